"""What the measured processes run; those of the peers use nothing of this project."""
