// Command package writes what a host is given to run a function.
//
//	go run ./scripts/package muleaudit                  # dist/muleaudit.zip
//	go run ./scripts/package -format lambda muleaudit   # dist/muleaudit-lambda-arm64.zip, -amd64.zip
//	go run ./scripts/package -format fc muleaudit       # dist/muleaudit-fc.zip
//	go run ./scripts/package -format oci muleaudit      # dist/muleaudit-oci.tar
//	go run ./scripts/package -format command siemfeed   # dist/siemfeed-linux-amd64.tar.gz, …
//
// The format gcf is a source archive for Google's Go buildpack,
// which builds it for Cloud Run functions. The buildpack wants the function in
// the root package of the module it is given, so the archive has a package
// there that registers the function; below it are only the packages that the
// function is made of, and a go.mod and go.sum that name only what they need.
//
// The formats lambda and fc have the built function as the program bootstrap,
// which AWS Lambda's runtime provided.al2023 and Function Compute's custom
// runtimes start. The format oci has it in container images, for what is always
// on: an OCI image layout for two processors, which docker load takes too. No
// Docker is needed to make it. In this format the operator's command, siemfeed, is
// one of the functions: jobs run it. The format command has it for people.
//
// The same source gives the same bytes, so that a deployment changes only when
// the function does. With -version and SOURCE_DATE_EPOCH, as scripts/release gives
// them, it also says which release it is of.
package main
