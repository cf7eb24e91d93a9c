package look

import (
	"fmt"
	"sort"
	"strings"
)

// attachment is something of the network that may hang on a device.
type attachment struct {
	kind, name string
	// device is the number of the one that it hangs on, 0 where there is none
	device int
}

// network returns the devices of the node's own namespace, and what else the kernel's network holds there.
func (l *Looker) network(k *kernel) ([]Item, error) {
	links, err := k.readLinks()
	if err != nil {
		return nil, err
	}
	living, err := k.livingNamespaces()
	if err != nil {
		return nil, err
	}
	attachments, err := k.readAttachments(links)
	if err != nil {
		return nil, err
	}
	return networkItems(links, living, attachments, l.devices), nil
}

// networkItems: what hangs on a device that is new comes and goes with it, so it is listed as the device's detail and not
// counted again. A bridge may be shared between pods, and then what hangs on it may belong to one of them: it is listed for
// itself, with the bridge that it is on.
func networkItems(links []link, living namespaces, attachments []attachment, atStart map[int]bool) []Item {
	items := linkItems(links, living)
	byName := map[string]*Item{}
	for i := range items {
		if items[i].Kind != "bridge-port" {
			byName[items[i].Name] = &items[i]
		}
	}
	devices := map[int]link{}
	for _, one := range links {
		devices[one.index] = one
	}
	var own []Item
	for _, one := range attachments {
		device, known := devices[one.device]
		item := Item{Kind: one.kind, Name: one.name}
		switch {
		case !known || atStart[one.device] || kernels[device.name]:
			own = append(own, item)
		case device.isGoing(living):
		case device.kind == "bridge":
			item.Detail = map[string]string{"device": device.name}
			own = append(own, item)
		default:
			byName[device.name].addDetail(one.kind, strings.TrimSuffix(one.name, onDevice(device.name)))
		}
	}
	return append(items, own...)
}

func (i *Item) addDetail(key, value string) {
	if i.Detail == nil {
		i.Detail = map[string]string{}
	}
	if already := i.Detail[key]; already != "" {
		value = already + ", " + value
	}
	i.Detail[key] = value
}

func onDevice(name string) string { return " dev " + name }

func (k *kernel) readAttachments(links []link) ([]attachment, error) {
	devices := map[int]link{}
	for _, one := range links {
		devices[one.index] = one
	}
	addresses, err := k.readAddresses(devices)
	if err != nil {
		return nil, err
	}
	var all []attachment
	for _, one := range addresses {
		if !one.kernels {
			all = append(all, attachment{"address", one.text() + onDevice(devices[one.device].name), one.device})
		}
	}
	for _, read := range []func() ([]attachment, error){
		func() ([]attachment, error) { return k.readRoutes(devices, addresses) },
		func() ([]attachment, error) { return k.readNextHops(devices) },
		k.readRules,
		func() ([]attachment, error) { return k.readNeighbours(devices, 0) },
		func() ([]attachment, error) { return k.readNeighbours(devices, ntfProxy) },
		func() ([]attachment, error) { return k.readQdiscs(devices) },
	} {
		more, err := read()
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

// words joins what is not empty, as the ip program prints it.
func words(all ...string) string {
	var some []string
	for _, one := range all {
		if one != "" {
			some = append(some, one)
		}
	}
	return strings.Join(some, " ")
}

func labelled(label, value string) string {
	if value == "" {
		return ""
	}
	return label + " " + value
}

func counted(label string, value uint32) string {
	if value == 0 {
		return ""
	}
	return fmt.Sprintf("%s %d", label, value)
}

func sorted(lines []string) []string {
	sort.Strings(lines)
	return lines
}
