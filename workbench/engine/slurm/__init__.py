"""Jobs of a Slurm cluster as workers: how they are asked for, spoken to and listened to."""
