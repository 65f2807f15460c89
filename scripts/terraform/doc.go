// Command terraform writes the part of the READMEs of terraform/ that is made from
// the code: inputs, outputs and resources by terraform-docs, and for stacks what
// permissions it takes to deploy and to run them.
//
//	go run . docs          writes them; make docs does
//	go run . docs -check   says which are not what the code would give
//
// Its tests hold Terraform to the functions: that it sets the variables their
// configurations know and no others, and that time-outs nest. They read the code,
// start nothing and need no Terraform. It is a module of its own, so that the
// product does not depend on what reads HCL.
//
// Beside it lie check.sh, which is make tf-check, and deploy.sh, which is make
// deploy and make destroy.
package main
