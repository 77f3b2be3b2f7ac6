"""Tiny sweeps that are killed, stopped and starved at random moments, and what is left of them."""
