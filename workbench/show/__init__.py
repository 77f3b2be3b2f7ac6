"""Show: the one kit for what is printed and drawn; it knows no numbers of its own."""
