"""`make calibrate`: what a point of cost takes in CPU, for every section and shape of request."""
