module github.com/siemfeed/siemfeed

go 1.26

require (
	github.com/google/go-cmp v0.7.0
	github.com/klauspost/compress v1.20.4
	pgregory.net/rapid v1.3.0
)
