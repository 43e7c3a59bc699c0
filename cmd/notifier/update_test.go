package main

import "flag"

var update = flag.Bool("update", false, "write the golden files anew, and with acceptance tests docs/pictures")
