"""The figures of a report. Matplotlib is imported when one is drawn, not before."""
