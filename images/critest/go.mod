module cnilab/critest

go 1.22
