// Package page opens the proof page in a browser, as whoever is handed one does.
// Its tests need Chromium and the build tag browser.
package page
