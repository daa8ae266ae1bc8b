package kernel

import "os"

func l2Bytes() int { return l2Of(os.DirFS("/sys/devices/system/cpu")) }
