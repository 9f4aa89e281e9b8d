package confine

// systemPaths are what any program may read, where they exist: what it takes to
// resolve names, to trust authorities and to know the time of day. Folders that
// commonly hold private keys are not among them, only what is beside those.
var systemPaths = []string{
	// Names.
	"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols",
	"/run/systemd/resolve", "/run/NetworkManager/resolv.conf", "/run/resolvconf",
	// Authorities, as the distributions have them.
	"/etc/ssl/certs", "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem", "/etc/ssl/openssl.cnf",
	"/etc/pki/tls/certs", "/etc/pki/tls/cert.pem", "/etc/pki/tls/cacert.pem", "/etc/pki/tls/openssl.cnf", "/etc/pki/ca-trust",
	"/etc/ca-certificates", "/etc/crypto-policies", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
	"/usr/share/pki", "/var/lib/ca-certificates",
	// Time.
	"/etc/localtime", "/usr/share/zoneinfo",
	// What runtimes look at: chance, the share of the processor, huge pages.
	"/dev/urandom", "/dev/random", "/dev/zero",
	"/sys/fs/cgroup", "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "/sys/devices/system/cpu",
}

// ownPaths are those of the process itself. They are looked up by it, since
// they mean another thing to each process.
var ownPaths = []string{"/proc/self/cgroup", "/proc/self/mountinfo"}

// libraries are what a loader reads.
var libraries = []string{"/etc/ld.so.cache", "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"}
