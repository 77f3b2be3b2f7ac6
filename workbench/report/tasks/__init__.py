"""What a report of detectors and segmenters has beside the others: metrics, and what was found."""
