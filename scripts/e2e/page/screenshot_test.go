//go:build browser

package page

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
)

var update = flag.Bool("update", false, "take the pictures of the first README anew")

// TestTakePictures takes the pictures in the first README, of the page that the
// demo ends with:
//
//	go test -tags=disable_grpc_modules,browser -run TestTakePictures ./page -update
func TestTakePictures(t *testing.T) {
	if !*update {
		t.Skip("without -update they stay")
	}
	bin := filepath.Join(t.TempDir(), "siemfeed")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "disable_grpc_modules", "-o", bin, "./scripts/siemfeed")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	dir := t.TempDir()
	demo := exec.CommandContext(t.Context(), bin, "demo")
	demo.Env = append(os.Environ(), "TMPDIR="+dir)
	if out, err := demo.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b := open(t, filepath.Join(dir, "siemfeed-demo.html"))
	call(b, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1})
	for scheme, name := range pictures {
		call(b, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		shot := call(b, t, page.CaptureScreenshot, page.CaptureScreenshotParams{}).Data // PNG
		wantPicture(t, scheme, shot)
		if err := os.WriteFile(filepath.Join(root, pictureFolder, name), shot, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
