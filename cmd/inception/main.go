// Command inception trains, evaluates, explains and exports Inception V2 and
// V3. See `inception help`.
package main

import "os"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }
