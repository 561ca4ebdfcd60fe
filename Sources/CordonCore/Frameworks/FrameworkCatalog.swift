// SPDX-License-Identifier: Apache-2.0

/// A published list of risks, techniques or outcomes that a playbook can say it answers (`maps:`), in one version.
package struct Framework: Sendable, Hashable {
    package struct Item: Sendable, Hashable {
        package var id: String
        /// The framework's own name of it; for NIST what it asks, shortened.
        package var title: String
    }

    /// Under which `maps:` names it.
    package var key: String
    package var name: String
    package var version: String
    package var items: [Item]

    private init(_ key: String, _ name: String, _ version: String, _ lines: String) {
        self.key = key
        self.name = name
        self.version = version
        items = lines.split(separator: "\n").map { line in
            let cut = line.firstIndex(of: " ") ?? line.endIndex
            // An identifier that holds a blank is written with an underscore here.
            return Item(
                id: String(line[..<cut].map { $0 == "_" ? " " : $0 }), title: String(line[cut...].drop { $0 == " " }))
        }
    }
}

extension Framework {
    /// The list is here as a whole, and not only what Cordon's actions answer of it.
    var isWhole: Bool { key == "owasp_nhi" || key == "owasp_agentic" }

    /// Those whose entries Cordon's actions can answer. Entries that none of them answers are not here.
    package static let all = [
        owaspNHI, owaspAgentic, owaspThreats, attack, atlas, defend, csf, riskManagement, maestro,
    ]

    private static let owaspNHI = Framework(
        "owasp_nhi", "OWASP Non-Human Identities Top 10", "2025",
        """
        NHI1 Improper Offboarding
        NHI2 Secret Leakage
        NHI3 Vulnerable Third-Party NHI
        NHI4 Insecure Authentication
        NHI5 Overprivileged NHI
        NHI6 Insecure Cloud Deployment Configurations
        NHI7 Long-Lived Secrets
        NHI8 Environment Isolation
        NHI9 NHI Reuse
        NHI10 Human Use of NHI
        """)

    private static let owaspAgentic = Framework(
        "owasp_agentic", "OWASP Top 10 for Agentic Applications", "2026",
        """
        ASI01 Agent Goal Hijack
        ASI02 Tool Misuse and Exploitation
        ASI03 Identity and Privilege Abuse
        ASI04 Agentic Supply Chain Vulnerabilities
        ASI05 Unexpected Code Execution (RCE)
        ASI06 Memory & Context Poisoning
        ASI07 Insecure Inter-Agent Communication
        ASI08 Cascading Failures
        ASI09 Human-Agent Trust Exploitation
        ASI10 Rogue Agents
        """)

    private static let owaspThreats = Framework(
        "owasp_threats", "OWASP Agentic AI: Threats and Mitigations", "1.1",
        """
        T1 Memory Poisoning
        T2 Tool Misuse
        T3 Privilege Compromise
        T4 Resource Overload
        T5 Cascading Hallucination Attacks
        T6 Intent Breaking & Goal Manipulation
        T7 Misaligned & Deceptive Behaviors
        T8 Repudiation & Untraceability
        T9 Identity Spoofing & Impersonation
        T10 Overwhelming Human in the Loop
        T11 Unexpected RCE and Code Attacks
        T12 Agent Communication Poisoning
        T13 Rogue Agents in Multi-Agent Systems
        T14 Human Attacks on Multi-Agent Systems
        T15 Human Manipulation
        T16 Insecure Inter-Agent Protocol Abuse
        T17 Supply Chain Compromise
        """)

    private static let attack = Framework(
        "attack", "MITRE ATT&CK Enterprise", "18.1",
        """
        T1078.004 Valid Accounts: Cloud Accounts
        T1098.001 Account Manipulation: Additional Cloud Credentials
        T1098.003 Account Manipulation: Additional Cloud Roles
        T1098.006 Account Manipulation: Additional Container Cluster Roles
        T1110.003 Brute Force: Password Spraying
        T1110.004 Brute Force: Credential Stuffing
        T1134 Access Token Manipulation
        T1136.003 Create Account: Cloud Account
        T1199 Trusted Relationship
        T1213.003 Data from Information Repositories: Code Repositories
        T1485 Data Destruction
        T1496.004 Resource Hijacking: Cloud Service Hijacking
        T1528 Steal Application Access Token
        T1530 Data from Cloud Storage
        T1531 Account Access Removal
        T1537 Transfer Data to Cloud Account
        T1539 Steal Web Session Cookie
        T1550.001 Use Alternate Authentication Material: Application Access Token
        T1550.004 Use Alternate Authentication Material: Web Session Cookie
        T1552.001 Unsecured Credentials: Credentials In Files
        T1552.004 Unsecured Credentials: Private Keys
        T1552.005 Unsecured Credentials: Cloud Instance Metadata API
        T1552.007 Unsecured Credentials: Container API
        T1552.008 Unsecured Credentials: Chat Messages
        T1555.006 Credentials from Password Stores: Cloud Secrets Management Stores
        T1556.006 Modify Authentication Process: Multi-Factor Authentication
        T1556.009 Modify Authentication Process: Conditional Access Policies
        T1562.008 Impair Defenses: Disable or Modify Cloud Logs
        T1565.001 Data Manipulation: Stored Data Manipulation
        T1567.004 Exfiltration Over Web Service: Exfiltration Over Webhook
        T1606.002 Forge Web Credentials: SAML Tokens
        T1621 Multi-Factor Authentication Request Generation
        T1651 Cloud Administration Command
        T1671 Cloud Application Integration
        """)

    private static let atlas = Framework(
        "atlas", "MITRE ATLAS", "5.6.1",
        """
        AML.T0012 Valid Accounts
        AML.T0034.002 Cost Harvesting: Agentic Resource Consumption
        AML.T0051 LLM Prompt Injection
        AML.T0053 AI Agent Tool Invocation
        AML.T0055 Unsecured Credentials
        AML.T0057 LLM Data Leakage
        AML.T0080 AI Agent Context Poisoning
        AML.T0081 Modify AI Agent Configuration
        AML.T0082 RAG Credential Harvesting
        AML.T0083 Credentials from AI Agent Configuration
        AML.T0084 Discover AI Agent Configuration
        AML.T0085 Data from AI Services
        AML.T0086 Exfiltration via AI Agent Tool Invocation
        AML.T0091.000 Use Alternate Authentication Material: Application Access Token
        AML.T0096 AI Service API
        AML.T0098 AI Agent Tool Credential Harvesting
        AML.T0099 AI Agent Tool Data Poisoning
        AML.T0101 Data Destruction via AI Agent Tool Invocation
        AML.T0103 Deploy AI Agent
        AML.T0104 Publish Poisoned AI Agent Tool
        AML.T0109 AI Supply Chain Rug Pull
        AML.T0110 AI Agent Tool Poisoning
        """)

    private static let defend = Framework(
        "d3fend", "MITRE D3FEND", "1.2.0",
        """
        D3-AL Account Locking
        D3-AMED Access Mediation
        D3-ANCI Authentication Cache Invalidation
        D3-CR Credential Revocation
        D3-CRO Credential Rotation
        D3-CTS Credential Transmission Scoping
        D3-EI Execution Isolation
        D3-MFA Multi-factor Authentication
        D3-NI Network Isolation
        D3-PS Process Suspension
        D3-PT Process Termination
        D3-RC Restore Configuration
        D3-RIC Reissue Credential
        D3-RO Restore Object
        D3-RUAA Restore User Account Access
        D3-ST Session Termination
        D3-UAP User Account Permissions
        D3-ULA Unlock Account
        """)

    private static let csf = Framework(
        "nist_csf", "NIST Cybersecurity Framework", "2.0",
        """
        DE.AE-02 events are analyzed
        DE.AE-03 events are correlated
        DE.AE-04 impact and scope are estimated
        DE.AE-06 staff and tools are told
        DE.AE-08 incidents are declared
        RS.MA-01 the response plan is executed
        RS.MA-02 reports are triaged
        RS.MA-03 incidents are categorized
        RS.MA-04 incidents are escalated
        RS.MA-05 criteria for recovery are applied
        RS.AN-03 what happened and its root cause are established
        RS.AN-06 actions are recorded, their integrity and provenance kept
        RS.AN-07 incident data are collected, their integrity and provenance kept
        RS.AN-08 magnitude is estimated and validated
        RS.CO-02 stakeholders are notified
        RS.CO-03 information is shared
        RS.MI-01 incidents are contained
        RS.MI-02 incidents are eradicated
        RC.RP-01 recovery is executed once it is initiated
        RC.RP-02 recovery actions are selected, scoped and performed
        RC.RP-05 restored assets are verified and normal status is confirmed
        RC.RP-06 the end of recovery is declared
        PR.AA-01 identities and credentials are managed
        PR.AA-03 users, services and hardware are authenticated
        PR.AA-05 least privilege is enforced
        PR.PS-04 log records are available for monitoring
        ID.IM-03 improvements come from operations
        """)

    private static let riskManagement = Framework(
        "nist_ai_rmf", "NIST AI Risk Management Framework", "1.0",
        """
        GOVERN_1.7 systems are decommissioned safely
        GOVERN_3.2 roles of people in oversight are defined
        GOVERN_4.3 incidents are identified and shared
        MAP_3.5 human oversight is defined
        MEASURE_2.4 behavior is monitored in production
        MEASURE_2.6 systems can fail safely
        MEASURE_2.8 transparency and accountability are examined
        MANAGE_1.3 responses to high-priority risks are developed
        MANAGE_2.3 unknown risks are responded to and recovered from
        MANAGE_2.4 systems can be superseded, disengaged or deactivated
        MANAGE_3.1 third-party resources are monitored and controlled
        MANAGE_4.1 incident response, recovery and change management are in place
        MANAGE_4.3 incidents are communicated, tracked and documented
        """)

    private static let maestro = Framework(
        "maestro", "CSA MAESTRO", "2025",
        """
        L1 Foundation Models
        L2 Data Operations
        L3 Agent Frameworks
        L4 Deployment & Infrastructure
        L5 Evaluation & Observability
        L6 Security & Compliance
        L7 Agent Ecosystem
        """)
}
