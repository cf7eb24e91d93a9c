module cnilab.test/calls

go 1.22

require golang.org/x/sys v0.21.0
