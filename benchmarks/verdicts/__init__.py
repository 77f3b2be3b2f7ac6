"""The verdicts of a plan held to simulation, to replays of real runs, and to races."""
