package pluginrpc

import (
	goplugin "github.com/hashicorp/go-plugin"

	"github.com/chargehand/chargehand/shared/payment"
)

const (
	// ProtocolVersion is the version of the protocol that this package speaks.
	// It changes when an old host and a new plugin, or the other way round,
	// could misunderstand each other.
	ProtocolVersion = 1
	// PluginType is the type of plugin served, and the name it is dispensed by.
	PluginType = "payment"
	// MaxMessage bounds one message in bytes. The largest in earnest is a page
	// of a window: with payment.MaxPage transactions it fits even if each has
	// texts of 255 bytes.
	MaxMessage = 1 << 20
)

// Handshake tells a plugin that its parent is a host looking for plugins of
// this type. It is no secret, and no protection.
func Handshake() goplugin.HandshakeConfig {
	return goplugin.HandshakeConfig{
		ProtocolVersion:  ProtocolVersion,
		MagicCookieKey:   "CHARGEHAND_PLUGIN",
		MagicCookieValue: PluginType,
	}
}

// Plugins lists what each protocol version offers. A plugin gives the gateway
// that it serves; a host gives nil.
func Plugins(gateway payment.Gateway) map[int]goplugin.PluginSet {
	return map[int]goplugin.PluginSet{
		ProtocolVersion: {PluginType: &grpcPlugin{gateway: gateway}},
	}
}

// LifelineEnv names the environment variable that holds the number of a file
// descriptor, inherited from the host, which reaches its end when the host is
// gone. A plugin exits then.
const LifelineEnv = "CHARGEHAND_PLUGIN_LIFELINE"

// ServicePath begins the method name of every call of the protocol. What does
// not begin so belongs to go-plugin.
const ServicePath = "/payment.v1.Gateway/"
