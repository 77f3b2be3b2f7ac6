"""How a training step is computed: in which precision, compiled or not, and which pays here."""
