//go:build !race

package trailtags_test

<<<<<<< HEAD
const scale = 1
=======
const raced = false
>>>>>>> 38d3628 (Hold trailtags to its promises, and say how to run it)
