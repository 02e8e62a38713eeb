"""A page of documentation of a model, as Markdown or as HTML: `gateway model docs`."""
