package main

import (
	"context"
	"fmt"
	"os"

	emulator "github.com/siemfeed/siemfeed/pkg/emulator/alibaba"
)

// The instances that are there unless flags say otherwise, of each account.
const (
	emulatedAccounts  = 3
	emulatedInstances = 1000
	emulatedType      = "ACS::ECS::Instance"
)

func emulatedAccount(n int) string  { return fmt.Sprint(1_000_000_000_000_001 + n) }
func emulatedInstance(n int) string { return fmt.Sprintf("i-%05d", n) }

type emulateAlibaba struct {
	listenFlags
	Accounts  int    `help:"Accounts: the management account and its members." default:"3"`
	Resources int    `help:"ECS instances with tags in each of them, i-00000 and so on." default:"1000"`
	Region    string `help:"Region that they are in." default:"cn-hangzhou"`
	Rate      int    `help:"Calls a second that are taken from an account, of each service; 0 means no limit." default:"0"`
}

// Run implements the command.
func (e *emulateAlibaba) Run(ctx context.Context) error {
	s := emulator.New(emulator.Options{CallsPerSecond: e.Rate})
	if err := e.inject(s.Faults); err != nil {
		return err
	}
	teams := []string{"payments", "search", "platform", "data"}
	for n := range e.Accounts {
		a := s.AddAccount(emulatedAccount(n))
		for i := range e.Resources {
			a.Create(emulator.Resource{Region: e.Region, Type: emulatedType, ID: emulatedInstance(i)},
				map[string]string{"project": teams[(n+i)%len(teams)], "env": []string{"prod", "test"}[i%2]})
		}
	}
	return e.serve(ctx, s, func(url string) {
		fmt.Fprintf(os.Stderr, "ADMIN_ACCOUNT_ID=1000000000000001 RESOURCE_AK_ID=ak RESOURCE_AK_KEY=secret STS_ENDPOINT=%[1]s TAG_ENDPOINT=%[1]s ECS_ENDPOINT=%[1]s SLB_ENDPOINT=%[1]s\n", url)
	})
}
