module github.com/siemfeed/siemfeed

go 1.26
