package look

import (
	"fmt"
	"sort"
	"strings"
)

// attachment is a network object that may belong to a device.
type attachment struct {
	kind, name string
	// device is the index of the device it belongs to, 0 for none
	device int
}

// network returns the devices in the node's own namespace, and the other network objects there.
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

// networkItems lists what belongs to a new device as a detail of the device: it comes and goes with the device, so it
// is not counted again. A bridge is different. It may be shared between pods, and an object on it may belong to one
// of them. So it is an item of its own, with the bridge's name.
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

// words joins the texts that are not empty, as the ip program prints them.
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
