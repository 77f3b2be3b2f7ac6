"""Tables, figures and the page of a sweep; `write.write_report` makes them all."""
