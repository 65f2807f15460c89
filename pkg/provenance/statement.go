package provenance

import "github.com/siemfeed/siemfeed/pkg/attest"

const (
	// PredicateType names SLSA's provenance.
	PredicateType = "https://slsa.dev/provenance/v1"

	repository = "https://github.com/siemfeed/siemfeed"
	// buildType is where the build is described, and what its parameters mean.
	buildType = repository + "/tree/main/scripts/release"
)

// Statement says what files were built from.
type Statement struct {
	Type          string           `json:"_type"`
	Subject       []attest.Subject `json:"subject"` // files by name, and images
	PredicateType string           `json:"predicateType"`
	Predicate     Predicate        `json:"predicate"`
}

// Predicate is what SLSA wants to know of a build.
type Predicate struct {
	BuildDefinition BuildDefinition `json:"buildDefinition"`
	RunDetails      RunDetails      `json:"runDetails"`
}

// BuildDefinition is what went into a build.
type BuildDefinition struct {
	BuildType            string     `json:"buildType"`
	ExternalParameters   External   `json:"externalParameters"`
	InternalParameters   Internal   `json:"internalParameters"`
	ResolvedDependencies []Resource `json:"resolvedDependencies"`
}

// External is what whoever started the build chose.
type External struct {
	Source  string   `json:"source"`  // as in Resource.URI
	Version string   `json:"version"` // that the programs say they are
	Command []string `json:"command"` // that was given at the root of the source
}

// Internal is what follows from the source and the tools.
type Internal struct {
	Go              string `json:"go"`              // the toolchain, such as go1.26.0
	SourceDateEpoch int64  `json:"sourceDateEpoch"` // the commit's time, in seconds since 1970
}

// Resource is what was fetched, such as git+https://host/repository@refs/tags/v1.2.3.
type Resource struct {
	URI    string            `json:"uri"`
	Digest map[string]string `json:"digest"`
}

// RunDetails says who built.
type RunDetails struct {
	Builder Builder `json:"builder"`
}

// Builder is who is trusted to have built what the statement says: whoever holds
// the key that signs it.
type Builder struct {
	ID string `json:"id"`
}

// Build is what [Of] is told.
type Build struct {
	Commit  string // in full
	Tag     string // of a release; empty for a build between releases
	Version string
	Command []string
	Go      string // as runtime.Version has it
	Time    int64  // of the commit, in seconds since 1970
}

// Of states that subjects were built by b.
func Of(b Build, subjects []attest.Subject) Statement {
	source := "git+" + repository
	if b.Tag != "" {
		source += "@refs/tags/" + b.Tag
	}
	return Statement{
		Type: attest.StatementType, Subject: subjects, PredicateType: PredicateType,
		Predicate: Predicate{
			BuildDefinition: BuildDefinition{
				BuildType:            buildType,
				ExternalParameters:   External{Source: source, Version: b.Version, Command: b.Command},
				InternalParameters:   Internal{Go: b.Go, SourceDateEpoch: b.Time},
				ResolvedDependencies: []Resource{{URI: source, Digest: map[string]string{"gitCommit": b.Commit}}},
			},
			RunDetails: RunDetails{Builder{ID: buildType}},
		},
	}
}

// Commit returns the commit that was built.
func (s Statement) Commit() string {
	for _, r := range s.Predicate.BuildDefinition.ResolvedDependencies {
		if r.URI == s.Predicate.BuildDefinition.ExternalParameters.Source {
			return r.Digest["gitCommit"]
		}
	}
	return ""
}
