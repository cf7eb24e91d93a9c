module cnilab.test/reaper

go 1.22
