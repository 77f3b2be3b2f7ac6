"""Statistics: what the numbers of a plan's runs show, and what they don't."""
