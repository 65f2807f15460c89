module github.com/siemfeed/siemfeed

go 1.26

require (
	github.com/klauspost/compress v1.20.4 // indirect
	pgregory.net/rapid v1.3.0 // indirect
)
