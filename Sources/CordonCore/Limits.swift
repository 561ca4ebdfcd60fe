// SPDX-License-Identifier: Apache-2.0

/// Every bound of the system, by name. A bound that is not here does not exist.
package enum Limits {
    // Intake
    /// The last second that a moment of a provider may name: 9999-12-31.
    package static let epochSecondsMax: Int64 = 253_402_300_799
    /// How long a connector may say that what was issued before lives on.
    package static let residualMillisecondsMax: Int64 = 366 * 86_400_000
    /// The default bound of an alert's body; a source may set its own up to `bodyBytesCeiling`.
    package static let bodyBytesMax = 256 * 1024
    /// What no source may exceed (GitHub caps its own payloads at 25 MB).
    package static let bodyBytesCeiling = 25 * 1024 * 1024
    package static let deliveryIDBytesMax = 256
    /// A signal's attributes as JSON: what an alert's own text can put into decisions and runs.
    package static let signalBytesMax = 8 * 1024
    package static let keptHeadersMax = 16
    /// Places that a source names to be cut out of its bodies.
    package static let redactedPlacesMax = 64
    /// Items that one delivery may list, each of which may give a signal.
    package static let signalsPerAlertMax = 200
    /// A source's own name of an event; a longer one stands as its digest.
    package static let eventKeyBytesMax = 512
    /// What is read at all of a file that may hold a definition; what one may have is less, by its kind.
    package static let definitionFileBytesMax = 16 << 20
    /// How long it is known that a source closed something, for what comes late; how many of those are known at most; and
    /// how many live runs are told of one.
    package static let closingMillisecondsKept: Int64 = 90 * 24 * 3600 * 1000
    package static let closingsMax = 50_000
    /// How far ahead of its arrival a closing may lie, for clocks that differ: what is opened later than that acts.
    package static let closingAheadMillisecondsMax: Int64 = 5 * 60 * 1000
    package static let runsPerMatterMax = 100
    /// Deliveries a second that are taken of a source whose sender sends again what was put off, and how many at once.
    package static let alertsPerSecondMax = 1000
    package static let alertsBurstMax = 5000
    /// How long keys that an issuer publishes are used before they are fetched anew, and how soon at the earliest for a
    /// token that they don't fit or after a failure.
    package static let keySetMillisecondsMax: Int64 = 3600 * 1000
    package static let keySetMillisecondsMin: Int64 = 60 * 1000
    /// How long keys are used on while none can be fetched.
    package static let keySetKeptMillisecondsMax: Int64 = 24 * 3600 * 1000
    package static let keySetRetryMilliseconds: Int64 = 5 * 1000
    /// How long a delivery waits for keys; and how long a request for them may take while nobody waits.
    package static let keySetPatienceMilliseconds: Int64 = 700
    package static let keySetTimeoutMilliseconds: Int64 = 5 * 1000
    package static let keySetBytesMax = 64 * 1024
    /// How long after it came a subscription's confirmation is tried.
    package static let confirmationMillisecondsMax: Int64 = 3600 * 1000
    /// How seldom a source's history tells of what was refused, and the log of a source that is not ready.
    package static let rejectionWindowMilliseconds: Int64 = 3600 * 1000
    package static let unreadyToldMilliseconds: Int64 = 60 * 1000
    /// Certificates that messages of one source named.
    package static let certificatesKeptMax = 8
    /// Certificates that one client presents: its own and those that lead to an authority.
    package static let clientCertificatesMax = 8
    /// Questions that a look-up asks before its own.
    package static let lookupStepsMax = 3

    /// Runs of eight bytes of the secrets that this process has held; with more of them no answer is quoted any more.
    package static let knownSecretRunsMax = 1_000_000
    /// Tokens that live for minutes: the last of them are looked for.
    package static let knownTokensMax = 64

    // Vault
    package static let vaultMillisecondsMin: Int64 = 1000
    package static let vaultMillisecondsMax: Int64 = 30 * 24 * 3600 * 1000
    package static let vaultRefreshMillisecondsDefault: Int64 = 5 * 60 * 1000
    package static let vaultKeepMillisecondsDefault: Int64 = 3600 * 1000
    package static let vaultRetryMillisecondsMin: Int64 = 1000
    package static let vaultRetryMillisecondsMax: Int64 = 30_000
    package static let vaultTimeoutMilliseconds: Int64 = 5000
    package static let vaultAnswerBytesMax = 1024 * 1024

    /// How far a signed time may lie from now, either way.
    package static let signedTimeToleranceMillisecondsMax: Int64 = 24 * 3600 * 1000
    package static let headerValueBytesMax = 1024
    package static let stemBytesMax = 64

    /// How often a source that is polled is asked, how seldom at least while it doesn't answer, and how much at a time.
    package static let pollMillisecondsDefault: Int64 = 30 * 1000
    package static let pollMillisecondsMin: Int64 = 1000
    package static let pollMillisecondsMax: Int64 = 3600 * 1000
    package static let pollBackOffMillisecondsMax: Int64 = 5 * 60 * 1000
    package static let pollEventsMax = 100
    package static let pollBytesMax = 4 * 1024 * 1024

    /// How often a source is compared with what its sender says it sent.
    package static let reconcileMillisecondsDefault: Int64 = 5 * 60 * 1000
    package static let reconcileMillisecondsMin: Int64 = 1000
    package static let reconcileKeptMillisecondsMax: Int64 = 90 * 24 * 3600 * 1000
    /// What is younger may still be under way.
    package static let reconcileGraceMilliseconds: Int64 = 60 * 1000
    /// How far back each comparison looks once more: some senders tell late of what they sent.
    package static let reconcileOverlapMilliseconds: Int64 = 5 * 60 * 1000
    /// How far back the first of a source goes.
    package static let reconcileFirstMilliseconds: Int64 = 3600 * 1000
    /// How seldom the history tells of comparisons that found nothing missing.
    package static let reconcileNotedMilliseconds: Int64 = 3600 * 1000
    package static let reconcilePagesMax = 100
    package static let reconcileBytesMax = 4 * 1024 * 1024
    package static let reconciledNamedMax = 50
    /// How often one that can't be read is asked for before it counts as lost.
    package static let reconcileTriesMax = 5
    /// How many that can't be read end a comparison: then it is not they that are wrong.
    package static let reconcileUnreadMax = 10

    // Definitions
    package static let definitionBytesMax = 64 * 1024
    package static let stepsPerWorkflowMax = 200
    /// Lists and maps inside each other; a block of steps takes four of them.
    package static let definitionNestingMax = 24
    package static let playbooksMax = 2000
    package static let inventoryBytesMax = 16 * 1024 * 1024
    package static let identitiesMax = 100_000
    /// Of one identity: who lives by it, and how much is said of an ordinary day. Every run about it repeats them.
    package static let consumersMax = 50
    package static let baselineScalarsMax = 500
    package static let testBytesMax = 256 * 1024
    package static let casesPerTestMax = 500
    package static let repeatsPerCaseMax = 2000

    // Runs
    /// One entry of the history, the size that an auditor's tools may count on.
    package static let entryBytesMax = 16 * 1024
    package static let resultBytesMax = 8 * 1024
    /// How many entries are folded onto a stored snapshot before a new one is stored.
    package static let entriesPerSnapshot = 32
    package static let callsPerStepMax = 1000
    /// Steps of a run with its items, called workflows and undos.
    package static let stepsPerRunMax = 2000
    package static let eachItemsMax = 500
    package static let eachParallelMax = 50
    package static let branchesMax = 20
    package static let blockDepthMax = 4
    package static let signalsPerRunMax = 100
    package static let workflowsCalledMax = 20
    package static let runsPerAlertMax = 20
    /// Inputs that a forecast plays before it is cut.
    package static let forecastTurnsMax = 10_000
    /// How much of an alert's own text a reason quotes.
    package static let quotedScalarsMax = 200

    // Guards
    /// Distinct identities that may be touched within an hour where 'guards.yaml' says nothing.
    package static let identitiesPerPlaybook = 30
    package static let identitiesPerProvider = 60
    /// Looks at what playbooks in shadow would have done, waiting and under way: a wave is not one at the provider.
    package static let shadowLooksMax = 50
    /// The latest decisions among which a start seeks looks that the process before it lost.
    package static let shadowLooksSought = 2000
    /// No look takes longer, from its decision on.
    package static let shadowLookMillisecondsMax: Int64 = 15 * 60 * 1000
    package static let identitiesPerOwner = 30
    package static let identitiesPerHour = 100
    /// Of the identities of a kind, and how many are always allowed however few there are.
    package static let identitiesShare = 0.25
    package static let shareIdentitiesMin = 10
    package static let surgeFactor = 8.0
    package static let surgeWindowMilliseconds: Int64 = 30 * 60 * 1000
    package static let surgeWindowMillisecondsMax: Int64 = 6 * 3600 * 1000
    /// Signals within a window that are no surge, however quiet it was before.
    package static let surgeCap = 25
    /// How far back it is looked what is usual.
    package static let surgeHistoryMilliseconds: Int64 = 24 * 3600 * 1000
    package static let driftTimes = 3
    package static let driftWindowMilliseconds: Int64 = 24 * 3600 * 1000
    package static let driftWindowMillisecondsMax: Int64 = 30 * 24 * 3600 * 1000
    package static let riskHalfLifeMillisecondsMax: Int64 = 7 * 24 * 3600 * 1000
    /// After so many half-lives less than a 250th is left of a signal's weight: it is forgotten.
    package static let riskHalfLivesKept: Int64 = 8
    package static let riskPartsShown = 10
    package static let marksCompared = 64
    package static let noticesStrandedMax = 10_000
    /// A playbook's latest runs that its breaker can look at.
    package static let trialsKept = 200
    /// Runs that a start looks through for them.
    package static let trialsLookedMax = 5000
    package static let breakerLast = 20
    package static let breakerShare = 0.3
    package static let breakerAtLeast = 5
    package static let ladderDays = 14
    package static let ladderSignals = 30
    package static let ladderProposals = 20
    package static let ladderAccepted = 0.95
    package static let ladderWithout = 50
    /// Decisions that one report of a playbook looks at, the latest first.
    package static let decisionsReviewedMax = 200_000
    package static let risksShown = 20
    package static let protectedMax = 1000
    /// How often an alert is decided about anew at once, when others spend meanwhile what it would have.
    package static let decidedAnewMax = 5
    package static let windowsMax = 200
    package static let requirementsMax = 20

    // Steps
    package static let stepWithinMillisecondsDefault: Int64 = 15 * 60 * 1000
    package static let stepWithinMillisecondsMax: Int64 = 30 * 24 * 3600 * 1000
    package static let attemptsDefault = 5
    package static let attemptsMax = 100
    package static let backOffMillisecondsFirst: Int64 = 1000
    package static let backOffMillisecondsMax: Int64 = 60 * 1000
    package static let verifyPollMilliseconds: Int64 = 500
    /// How long containment waits for the control of a proof, and how often a crash may have it taken anew.
    package static let controlMillisecondsMax: Int64 = 10 * 1000
    package static let controlAttemptsMax = 3
    /// How long a connector may say that its provider takes until a change shows.
    package static let lagMillisecondsMax: Int64 = 24 * 3600 * 1000
    package static let holdMillisecondsMax: Int64 = 90 * 24 * 3600 * 1000
    package static let undoWithinMilliseconds: Int64 = 24 * 3600 * 1000
    package static let waitPollMillisecondsMin: Int64 = 1000
    package static let quorumMax = 10

    // Agent sessions
    package static let sessionIDBytesMax = 64
    /// What a session's opening says, as JSON.
    package static let sessionBytesMax = 3 * 1024
    package static let sessionsMax = 20_000
    /// How far delegations go, the first session counted.
    package static let sessionDepthMax = 8
    /// Sessions below one that nobody delegated to, with it, the closed ones too.
    package static let sessionsPerRootMax = 64
    package static let sessionSecondsMax: Int64 = 30 * 24 * 3600
    package static let sessionExtensionsMax = 100
    /// Alerts of one boundary: at all of what was approved, at twice that, and so on.
    package static let boundaryLevelsMax = 8
    /// How far a runtime's clock may be off before the history tells it.
    package static let sessionSkewMillisecondsMax: Int64 = 60 * 1000
    /// How long an enforcement point may go by a verdict when it can't ask for another.
    package static let verdictMilliseconds: Int64 = 5000

    // Calls
    package static let callTimeoutMillisecondsDefault: Int64 = 10 * 1000
    package static let callTimeoutMillisecondsMax: Int64 = 120 * 1000
    /// How long a provider is taken to remember an idempotency key where its connector doesn't say, and at most.
    package static let keyWindowMillisecondsDefault: Int64 = 24 * 3600 * 1000
    package static let keyWindowMillisecondsMax: Int64 = 30 * 24 * 3600 * 1000
    package static let responseBytesMax = 1024 * 1024
    /// Credentials that wait in memory for their delivery, and for how long; one that waits longer is issued anew.
    package static let issuedSecretsMax = 1000
    package static let issuedSecretMilliseconds: Int64 = 3600 * 1000
    package static let retryAfterMillisecondsMax: Int64 = 24 * 3600 * 1000
    /// How long a token is used whose provider doesn't say how long it lives, and how long any is.
    package static let tokenMillisecondsDefault: Int64 = 10 * 60 * 1000
    package static let tokenMillisecondsMax: Int64 = 24 * 3600 * 1000
    package static let tokenMarginMillisecondsMax: Int64 = 60 * 1000
    /// How long a token that is signed here may be good for.
    package static let webTokenMillisecondsMax: Int64 = 3600 * 1000
    /// How far the pages of a listing are followed; one that is longer counts for nothing.
    package static let listingPagesMax = 50
    package static let listingItemsMax = 10_000
    package static let listingBytesMax = 8 * 1024 * 1024
    package static let callsInFlightMax = 256
    package static let callsPerProviderMax = 64
    /// Failures in a row after which a provider is left alone, and for how long then.
    package static let breakerFailures = 5
    package static let breakerMillisecondsFirst: Int64 = 10 * 1000
    package static let breakerMillisecondsMax: Int64 = 5 * 60 * 1000
    /// How far back in the history a start looks for what providers last answered.
    package static let entriesRecalledMax = 2000
    /// Runs that are undone by one order.
    package static let runsUndoneMax = 10_000

    // Looking up whom an alert means
    /// How long providers are asked whom an alert means, from its receipt; then a person is.
    package static let lookupMillisecondsMax: Int64 = 5 * 60 * 1000
    /// How long they are asked at least, of an alert that is older than that.
    package static let lookupMillisecondsMin: Int64 = 30 * 1000
    /// Those whom one alert names and nobody knows; beyond them nobody is looked up.
    package static let lookupsPerAlertMax = 20
    package static let foundIDBytesMax = 256

    // Notices to people
    package static let noticeTextScalarsMax = 500
    package static let noticeNameScalarsMax = 120
    package static let channelsMax = 50
    package static let peoplePerChannelMax = 50
    package static let routesMax = 200
    /// Messages of one topic within a minute that go out one by one; what comes beyond is told as one.
    package static let noticesApartMax = 3
    /// Messages to a receiver within a minute; beyond them all topics are told as one.
    package static let messagesPerMinuteDefault = 20
    package static let messagesPerMinuteMax = 600
    /// How long a notice waits for others of its topic.
    package static let gatherMillisecondsDefault: Int64 = 5000
    package static let gatherMillisecondsMax: Int64 = 5 * 60 * 1000
    /// After many were told as one, the next that is said of their topic.
    package static let waveMilliseconds: Int64 = 15 * 60 * 1000
    /// What one message names one by one.
    package static let noticesNamedMax = 5
    /// What is gathered into one message.
    package static let noticesPerMessageMax = 1000
    package static let noticeRetryMillisecondsFirst: Int64 = 5000
    package static let noticeRetryMillisecondsMax: Int64 = 15 * 60 * 1000
    /// How long it is tried to deliver a notice.
    package static let noticeMillisecondsMax: Int64 = 24 * 3600 * 1000
    /// How long it is known what was delivered.
    package static let noticesKeptMilliseconds: Int64 = 90 * 24 * 3600 * 1000
    package static let messageTimeoutMilliseconds: Int64 = 30 * 1000
    /// How long a link to an answer may live, whatever the question's own deadline.
    package static let linkMillisecondsMax: Int64 = 24 * 3600 * 1000

    // Security events to receivers
    package static let eventStreamsMax = 20
    /// Events that wait for one receiver; what comes beyond is given up, and told as that.
    package static let eventsWaitingMax = 10_000
    /// What is pushed between two notes of it, or given with one poll.
    package static let eventsPerTurnMax = 50
    package static let eventRetryMillisecondsFirst: Int64 = 1000
    package static let eventRetryMillisecondsMax: Int64 = 5 * 60 * 1000
    package static let eventTimeoutMilliseconds: Int64 = 10 * 1000
    /// How long it is tried to bring an event to its receiver.
    package static let eventMillisecondsMax: Int64 = 7 * 24 * 3600 * 1000
    /// How often an event is sent whose receiver says of the event itself that it is wrong.
    package static let eventTriesWhenWrongMax = 3
    /// How long a receiver is refused before people are told.
    package static let eventAlarmMilliseconds: Int64 = 5 * 60 * 1000
    /// How long a poll that wants to wait waits (RFC 8936 §2.2).
    package static let eventPollMillisecondsMax: Int64 = 20 * 1000
    /// How often a receiver may ask for a verification event (SSF 1.0 §8.1.4.2).
    package static let eventVerificationMillisecondsMin: Int64 = 10 * 1000
}
