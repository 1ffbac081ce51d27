import Base
import Model
import Testing

/// Timestamps read every form that clients send and write one form.
@Suite struct TimestampTests {
    @Test(
        arguments: [
            ("2020-05-01T10:00:00.123Z", 1_588_327_200_123),
            ("2020-05-01T10:00:00.123456Z", 1_588_327_200_123),
            ("2020-05-01T10:00:00.1+0000", 1_588_327_200_100),
            ("2020-05-01T02:00:00-08:00", 1_588_327_200_000),
            ("2020-05-01T10:00Z", 1_588_327_200_000),
            ("2020-05-01T10:00:00", 1_588_327_200_000),
            ("2020-05-01", 1_588_291_200_000),
            ("1969-12-31T23:59:59.999Z", -1),
            ("0001-01-01T00:00:00Z", -62_135_596_800_000),
        ] as [(String, Int64)])
    func parses(text: String, milliseconds: Int64) {
        #expect(Timestamp(iso8601: Array(text.utf8))?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", "2020", "2020-13-01", "2020-02-30", "2020-05-01T", "2020-05-01T24:00Z",
        "2020-05-01T10:00:00.Z", "2020-05-01T10:00:00Zjunk", "2020-05-01T10:00:00+99:00",
        "yesterday",
    ])
    func refuses(text: String) {
        #expect(Timestamp(iso8601: Array(text.utf8)) == nil)
    }

    @Test func writtenFormReadsBack() {
        var random = PRNG(seed: 1)
        for _ in 0..<10_000 {
            let instant = Timestamp(
                milliseconds: .random(in: -62_000_000_000_000...253_000_000_000_000, using: &random)
            )
            #expect(Timestamp(iso8601: instant.iso8601) == instant)
        }
    }

    @Test func theEpochWasAThursday() {
        #expect(CivilDate(year: 1970, month: 1, day: 1).dayOfWeek == 4)
    }
}
