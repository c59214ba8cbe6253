"""What models need, what devices have, and what goes where."""
