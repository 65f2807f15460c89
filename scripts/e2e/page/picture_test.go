package page

import (
	"bytes"
	"image/png"
	"os"
	"strings"
	"testing"
)

// pictures are the screenshots in the first README, by colour scheme.
var pictures = map[string]string{"light": "proof-light.png", "dark": "proof-dark.png"}

const (
	pictureFolder = ".github/"
	root          = "../../../"

	// What they show, in pixels of a page that is not scaled.
	width, height = 1100, 845
)

// The first README shows pictures that are there, and small.
func TestPictures(t *testing.T) {
	readme, err := os.ReadFile(root + "README.md")
	if err != nil {
		t.Fatal(err)
	}
	for scheme, name := range pictures {
		if !strings.Contains(string(readme), `"`+pictureFolder+name+`"`) {
			t.Errorf("README.md does not show %s", name)
		}
		data, err := os.ReadFile(root + pictureFolder + name)
		if err != nil {
			t.Fatal(err)
		}
		wantPicture(t, scheme, data)
	}
}

func wantPicture(t *testing.T, name string, data []byte) {
	t.Helper()
	c, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil || c.Width != width || c.Height != height || len(data) > 300<<10 {
		t.Errorf("%s: %d×%d, %d bytes, %v", name, c.Width, c.Height, len(data), err)
	}
}
