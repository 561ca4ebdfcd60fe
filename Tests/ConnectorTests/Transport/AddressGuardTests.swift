// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CordonConnectors

@Suite struct AddressGuardTests {
    private func isRefused(_ address: String, _ policy: EgressPolicy = EgressPolicy()) throws -> Bool {
        try AddressGuard(policy).refusal(of: #require(IPAddress(address))) != nil
    }

    @Test(arguments: [
        "0.0.0.0", "0.1.2.3", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1",
        "127.255.255.254", "169.254.0.1", "169.254.169.254", "172.16.0.0", "172.31.255.255", "192.0.0.8", "192.0.2.1",
        "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1",
        "239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16", "100.100.100.200",
    ])
    func `IPv4 that isn't public is refused, also mapped and behind NAT64`(address: String) throws {
        #expect(try isRefused(address))
        #expect(try isRefused("::ffff:" + address))
        #expect(try isRefused("64:ff9b::" + address))
    }

    @Test(arguments: [
        "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
        "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255",
        "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
    ])
    func `the public IPv4 addresses around them are allowed, also mapped and behind NAT64`(address: String) throws {
        #expect(try !isRefused(address))
        #expect(try !isRefused("::ffff:" + address))
        #expect(try !isRefused("64:ff9b::" + address))
    }

    @Test(arguments: [
        "::", "::1", "::2", "::7f00:1", "fc00::1", "fdff:ffff::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "100::1",
        "64:ff9b:1::1", "2001::1", "2001:1ff::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "4000::1", "1fff::1",
        "fd00:ec2::254",
    ])
    func `IPv6 that isn't global unicast is refused`(address: String) throws { #expect(try isRefused(address)) }

    @Test(arguments: ["2001:200::1", "2606:4700::1111", "2a00:1450::1", "2003::1", "2000::1", "3ffe::1"])
    func `global unicast IPv6 is allowed`(address: String) throws { #expect(try !isRefused(address)) }

    @Test func `loopback needs its own leave, and opens nothing else`() throws {
        let policy = EgressPolicy(allowsLoopback: true)
        #expect(try !isRefused("127.0.0.1", policy))
        #expect(try !isRefused("::1", policy))
        #expect(try !isRefused("::ffff:127.9.9.9", policy))
        #expect(try isRefused("0.0.0.0", policy))
        #expect(try isRefused("::", policy))
        #expect(try isRefused("10.0.0.1", policy))
    }

    @Test func `metadata addresses open only by their own name`() throws {
        for network in ["169.254.0.0/16", "169.254.169.254/31", "0.0.0.0/0"] {
            #expect(try isRefused("169.254.169.254", EgressPolicy(allowedNetworks: [network])))
        }
        #expect(try isRefused("fd00:ec2::254", EgressPolicy(allowedNetworks: ["fd00::/8"])))
        for name in ["169.254.169.254", "169.254.169.254/32"] {
            #expect(try !isRefused("169.254.169.254", EgressPolicy(allowedNetworks: [name])))
        }
        #expect(try !isRefused("fd00:ec2::254", EgressPolicy(allowedNetworks: ["fd00:ec2::254"])))
    }

    @Test func `networks open exactly what they hold`() throws {
        let policy = EgressPolicy(allowedNetworks: ["10.1.0.0/16", "fd12::/16", "192.168.7.7"])
        for address in ["10.1.0.0", "10.1.255.255", "fd12::1", "192.168.7.7", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3"] {
            #expect(try !isRefused(address, policy), "\(address)")
        }
        for address in ["10.0.255.255", "10.2.0.0", "fd13::1", "192.168.7.8", "127.0.0.1"] {
            #expect(try isRefused(address, policy), "\(address)")
        }
        #expect(try isRefused("10.1.2.3", EgressPolicy(allowedNetworks: ["::/0"])))
        #expect(try !isRefused("fd13::1", EgressPolicy(allowedNetworks: ["::/0"])))
        #expect(try !isRefused("10.1.2.3", EgressPolicy(allowedNetworks: ["0.0.0.0/0"])))
    }

    @Test(arguments: [
        "", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "10.0.0.1/8", "10.0.0/8",
        "010.0.0.0/8", "10.0.0.0/ 8", " 10.0.0.0/8", "fd00::/129", "fd00::1/64", "::ffff:10.0.0.0/104", "64:ff9b::/96",
        "localhost", "fe80::1%eth0", "10.0.0.0/99999999999999999999", "١٠.0.0.0/8", "10.0.0.0/٨", "0x0a.0.0.0/8",
    ])
    func `a network that isn't one is refused and named`(text: String) throws {
        let fault = try #require(throws: Fault.self) { try IPNetwork(text) }
        #expect(fault.kind == .badRequest)
        #expect(fault.reason.contains("\"\(text)\""))
    }

    @Test func `addresses are written as everyone writes them`() {
        #expect(IPAddress("192.168.10.1")?.description == "192.168.10.1")
        #expect(IPAddress("::ffff:1.2.3.4")?.description == "1.2.3.4")
        #expect(IPAddress("2001:0db8:0:0::0001")?.description == "2001:db8::1")
        #expect(IPAddress("1.2.3") == nil)
        #expect(IPAddress("0177.0.0.1") == nil)
        #expect(IPAddress("fe80::1%lo") == nil)
    }
}
