package cause

// marked is an error of which whoever made it knows more than it shows.
type marked struct {
	code Code
	error
}

// Cause implements [Known].
func (e *marked) Cause() Code { return e.code }

func (e *marked) Unwrap() error { return e.error }

// Mark returns err with what is behind it. Nil stays nil.
func Mark(code Code, err error) error {
	if err == nil {
		return nil
	}
	return &marked{code, err}
}
