"""The fleet as the router sees it: probes over HTTP, and the view every answer is given from."""
