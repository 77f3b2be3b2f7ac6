"""Every row at its own values of training: trials on validation images, before a plan's seeds."""
