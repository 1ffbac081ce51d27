// What every message looks like in every version, taken from the definitions that Kafka publishes
// and not from our own code: one line for each run of versions that look the same.
//
//     key, request or response, first-last version, then ~ if the version is flexible and the fields:
//     i8 i16 i32 i64 bool uuid  numbers     s string  b bytes  r records     [ ] array
//     ? may be null             tagged fields are left out; a structure that may be null is the i8
//                               that says so, and a float64 the i64 of its bits

/// The definitions.
enum MessageDefinitions {
    static let text = """
        17 request 0-1: s
        17 response 0-1: i16 [s]
        36 request 0-1: b
        36 request 2-2: ~ b
        36 response 0-0: i16 s? b
        36 response 1-1: i16 s? b i64
        36 response 2-2: ~ i16 s? b i64
        50 request 0-0: ~ [s]?
        50 response 0-0: ~ i32 i16 s? [s i16 s? [i8 i32]]
        51 request 0-0: ~ [s i8] [s i8 i32 b b]
        51 response 0-0: ~ i32 [s i16 s?]
        18 request 0-2:
        18 request 3-4: ~ s s
        18 response 0-0: i16 [i16 i16 i16]
        18 response 1-2: i16 [i16 i16 i16] i32
        18 response 3-4: ~ i16 [i16 i16 i16] i32
        37 request 0-1: [s i32 [[i32]]?] i32 bool
        37 request 2-3: ~ [s i32 [[i32]]?] i32 bool
        37 response 0-1: i32 [s i16 s?]
        37 response 2-3: ~ i32 [s i16 s?]
        19 request 2-4: [s i32 i16 [i32 [i32]] [s s?]] i32 bool
        19 request 5-7: ~ [s i32 i16 [i32 [i32]] [s s?]] i32 bool
        19 response 2-4: i32 [s i16 s?]
        19 response 5-6: ~ i32 [s i16 s? i32 i16 [s s? bool i8 bool]?]
        19 response 7-7: ~ i32 [s uuid i16 s? i32 i16 [s s? bool i8 bool]?]
        42 request 0-1: [s]
        42 request 2-2: ~ [s]
        42 response 0-1: i32 [s i16]
        42 response 2-2: ~ i32 [s i16]
        21 request 0-1: [s [i32 i64]] i32
        21 request 2-2: ~ [s [i32 i64]] i32
        21 response 0-1: i32 [s [i32 i64 i16]]
        21 response 2-2: ~ i32 [s [i32 i64 i16]]
        20 request 1-3: [s] i32
        20 request 4-5: ~ [s] i32
        20 request 6-6: ~ [s? uuid] i32
        20 response 1-3: i32 [s i16]
        20 response 4-4: ~ i32 [s i16]
        20 response 5-5: ~ i32 [s i16 s?]
        20 response 6-6: ~ i32 [s? uuid i16 s?]
        60 request 0-0: ~ bool
        60 request 1-1: ~ bool i8
        60 request 2-2: ~ bool i8 bool
        60 response 0-0: ~ i32 i16 s? s i32 [i32 s i32 s?] i32
        60 response 1-1: ~ i32 i16 s? i8 s i32 [i32 s i32 s?] i32
        60 response 2-2: ~ i32 i16 s? i8 s i32 [i32 s i32 s? bool] i32
        32 request 1-2: [i8 s [s]?] bool
        32 request 3-3: [i8 s [s]?] bool bool
        32 request 4-4: ~ [i8 s [s]?] bool bool
        32 response 1-2: i32 [i16 s? i8 s [s s? bool i8 bool [s s? i8]]]
        32 response 3-3: i32 [i16 s? i8 s [s s? bool i8 bool [s s? i8] i8 s?]]
        32 response 4-4: ~ i32 [i16 s? i8 s [s s? bool i8 bool [s s? i8] i8 s?]]
        15 request 0-2: [s]
        15 request 3-4: [s] bool
        15 request 5-5: ~ [s] bool
        15 response 0-0: [i16 s s s s [s s s b b]]
        15 response 1-2: i32 [i16 s s s s [s s s b b]]
        15 response 3-3: i32 [i16 s s s s [s s s b b] i32]
        15 response 4-4: i32 [i16 s s s s [s s? s s b b] i32]
        15 response 5-5: ~ i32 [i16 s s s s [s s? s s b b] i32]
        1 request 4-4: i32 i32 i32 i32 i8 [s [i32 i64 i32]]
        1 request 5-6: i32 i32 i32 i32 i8 [s [i32 i64 i64 i32]]
        1 request 7-8: i32 i32 i32 i32 i8 i32 i32 [s [i32 i64 i64 i32]] [s [i32]]
        1 request 9-10: i32 i32 i32 i32 i8 i32 i32 [s [i32 i32 i64 i64 i32]] [s [i32]]
        1 request 11-11: i32 i32 i32 i32 i8 i32 i32 [s [i32 i32 i64 i64 i32]] [s [i32]] s
        1 request 12-12: ~ i32 i32 i32 i32 i8 i32 i32 [s [i32 i32 i64 i32 i64 i32]] [s [i32]] s
        1 request 13-14: ~ i32 i32 i32 i32 i8 i32 i32 [uuid [i32 i32 i64 i32 i64 i32]] [uuid [i32]] s
        1 request 15-17: ~ i32 i32 i32 i8 i32 i32 [uuid [i32 i32 i64 i32 i64 i32]] [uuid [i32]] s
        1 response 4-4: i32 [s [i32 i16 i64 i64 [i64 i64]? r?]]
        1 response 5-6: i32 [s [i32 i16 i64 i64 i64 [i64 i64]? r?]]
        1 response 7-10: i32 i16 i32 [s [i32 i16 i64 i64 i64 [i64 i64]? r?]]
        1 response 11-11: i32 i16 i32 [s [i32 i16 i64 i64 i64 [i64 i64]? i32 r?]]
        1 response 12-12: ~ i32 i16 i32 [s [i32 i16 i64 i64 i64 [i64 i64]? i32 r?]]
        1 response 13-17: ~ i32 i16 i32 [uuid [i32 i16 i64 i64 i64 [i64 i64]? i32 r?]]
        10 request 0-0: s
        10 request 1-2: s i8
        10 request 3-3: ~ s i8
        10 request 4-6: ~ i8 [s]
        10 response 0-0: i16 i32 s i32
        10 response 1-2: i32 i16 s? i32 s i32
        10 response 3-3: ~ i32 i16 s? i32 s i32
        10 response 4-6: ~ i32 [s i32 s i32 i16 s?]
        12 request 0-2: s i32 s
        12 request 3-3: s i32 s s?
        12 request 4-4: ~ s i32 s s?
        12 response 0-0: i16
        12 response 1-3: i32 i16
        12 response 4-4: ~ i32 i16
        22 request 0-1: s? i32
        22 request 2-2: ~ s? i32
        22 request 3-4: ~ s? i32 i64 i16
        22 response 0-1: i32 i16 i64 i16
        22 response 2-4: ~ i32 i16 i64 i16
        11 request 0-0: s i32 s s [s b]
        11 request 1-4: s i32 i32 s s [s b]
        11 request 5-5: s i32 i32 s s? s [s b]
        11 request 6-7: ~ s i32 i32 s s? s [s b]
        11 request 8-9: ~ s i32 i32 s s? s [s b] s?
        11 response 0-1: i16 i32 s s s [s b]
        11 response 2-4: i32 i16 i32 s s s [s b]
        11 response 5-5: i32 i16 i32 s s s [s s? b]
        11 response 6-6: ~ i32 i16 i32 s s s [s s? b]
        11 response 7-8: ~ i32 i16 i32 s? s? s s [s s? b]
        11 response 9-9: ~ i32 i16 i32 s? s? s bool s [s s? b]
        13 request 0-2: s s
        13 request 3-3: s [s s?]
        13 request 4-4: ~ s [s s?]
        13 request 5-5: ~ s [s s? s?]
        13 response 0-0: i16
        13 response 1-2: i32 i16
        13 response 3-3: i32 i16 [s s? i16]
        13 response 4-5: ~ i32 i16 [s s? i16]
        16 request 0-2:
        16 request 3-3: ~
        16 request 4-4: ~ [s]
        16 request 5-5: ~ [s] [s]
        16 response 0-0: i16 [s s]
        16 response 1-2: i32 i16 [s s]
        16 response 3-3: ~ i32 i16 [s s]
        16 response 4-4: ~ i32 i16 [s s s]
        16 response 5-5: ~ i32 i16 [s s s s]
        2 request 1-1: i32 [s [i32 i64]]
        2 request 2-3: i32 i8 [s [i32 i64]]
        2 request 4-5: i32 i8 [s [i32 i32 i64]]
        2 request 6-9: ~ i32 i8 [s [i32 i32 i64]]
        2 response 1-1: [s [i32 i16 i64 i64]]
        2 response 2-3: i32 [s [i32 i16 i64 i64]]
        2 response 4-5: i32 [s [i32 i16 i64 i64 i32]]
        2 response 6-9: ~ i32 [s [i32 i16 i64 i64 i32]]
        3 request 0-0: [s]
        3 request 1-3: [s]?
        3 request 4-7: [s]? bool
        3 request 8-8: [s]? bool bool bool
        3 request 9-9: ~ [s]? bool bool bool
        3 request 10-10: ~ [uuid s?]? bool bool bool
        3 request 11-12: ~ [uuid s?]? bool bool
        3 response 0-0: [i32 s i32] [i16 s [i16 i32 i32 [i32] [i32]]]
        3 response 1-1: [i32 s i32 s?] i32 [i16 s bool [i16 i32 i32 [i32] [i32]]]
        3 response 2-2: [i32 s i32 s?] s? i32 [i16 s bool [i16 i32 i32 [i32] [i32]]]
        3 response 3-4: i32 [i32 s i32 s?] s? i32 [i16 s bool [i16 i32 i32 [i32] [i32]]]
        3 response 5-6: i32 [i32 s i32 s?] s? i32 [i16 s bool [i16 i32 i32 [i32] [i32] [i32]]]
        3 response 7-7: i32 [i32 s i32 s?] s? i32 [i16 s bool [i16 i32 i32 i32 [i32] [i32] [i32]]]
        3 response 8-8: i32 [i32 s i32 s?] s? i32 [i16 s bool [i16 i32 i32 i32 [i32] [i32] [i32]] i32] i32
        3 response 9-9: ~ i32 [i32 s i32 s?] s? i32 [i16 s bool [i16 i32 i32 i32 [i32] [i32] [i32]] i32] i32
        3 response 10-10: ~ i32 [i32 s i32 s?] s? i32 [i16 s uuid bool [i16 i32 i32 i32 [i32] \
        [i32] [i32]] i32] i32
        3 response 11-11: ~ i32 [i32 s i32 s?] s? i32 [i16 s uuid bool [i16 i32 i32 i32 [i32] \
        [i32] [i32]] i32]
        3 response 12-12: ~ i32 [i32 s i32 s?] s? i32 [i16 s? uuid bool [i16 i32 i32 i32 [i32] \
        [i32] [i32]] i32]
        8 request 2-4: s i32 s i64 [s [i32 i64 s?]]
        8 request 5-5: s i32 s [s [i32 i64 s?]]
        8 request 6-6: s i32 s [s [i32 i64 i32 s?]]
        8 request 7-7: s i32 s s? [s [i32 i64 i32 s?]]
        8 request 8-9: ~ s i32 s s? [s [i32 i64 i32 s?]]
        8 response 2-2: [s [i32 i16]]
        8 response 3-7: i32 [s [i32 i16]]
        8 response 8-9: ~ i32 [s [i32 i16]]
        47 request 0-0: s [s [i32]]
        47 response 0-0: i16 i32 [s [i32 i16]]
        9 request 1-1: s [s [i32]]
        9 request 2-5: s [s [i32]]?
        9 request 6-6: ~ s [s [i32]]?
        9 request 7-7: ~ s [s [i32]]? bool
        9 request 8-8: ~ [s [s [i32]]?] bool
        9 request 9-9: ~ [s s? i32 [s [i32]]?] bool
        9 response 1-1: [s [i32 i64 s? i16]]
        9 response 2-2: [s [i32 i64 s? i16]] i16
        9 response 3-4: i32 [s [i32 i64 s? i16]] i16
        9 response 5-5: i32 [s [i32 i64 i32 s? i16]] i16
        9 response 6-7: ~ i32 [s [i32 i64 i32 s? i16]] i16
        9 response 8-9: ~ i32 [s [s [i32 i64 i32 s? i16]] i16]
        23 request 2-2: [s [i32 i32 i32]]
        23 request 3-3: i32 [s [i32 i32 i32]]
        23 request 4-4: ~ i32 [s [i32 i32 i32]]
        23 response 2-3: i32 [s [i16 i32 i32 i64]]
        23 response 4-4: ~ i32 [s [i16 i32 i32 i64]]
        0 request 3-8: s? i16 i32 [s [i32 r?]]
        0 request 9-11: ~ s? i16 i32 [s [i32 r?]]
        0 response 3-4: [s [i32 i16 i64 i64]] i32
        0 response 5-7: [s [i32 i16 i64 i64 i64]] i32
        0 response 8-8: [s [i32 i16 i64 i64 i64 [i32 s?] s?]] i32
        0 response 9-11: ~ [s [i32 i16 i64 i64 i64 [i32 s?] s?]] i32
        14 request 0-2: s i32 s [s b]
        14 request 3-3: s i32 s s? [s b]
        14 request 4-4: ~ s i32 s s? [s b]
        14 request 5-5: ~ s i32 s s? s? s? [s b]
        14 response 0-0: i16 b
        14 response 1-3: i32 i16 b
        14 response 4-4: ~ i32 i16 b
        14 response 5-5: ~ i32 i16 s? s? b
        24 request 0-2: s i64 i16 [s [i32]]
        24 request 3-3: ~ s i64 i16 [s [i32]]
        24 response 0-2: i32 [s [i32 i16]]
        24 response 3-3: ~ i32 [s [i32 i16]]
        25 request 0-2: s i64 i16 s
        25 request 3-4: ~ s i64 i16 s
        25 response 0-2: i32 i16
        25 response 3-4: ~ i32 i16
        26 request 0-2: s i64 i16 bool
        26 request 3-4: ~ s i64 i16 bool
        26 response 0-2: i32 i16
        26 response 3-4: ~ i32 i16
        28 request 0-1: s s i64 i16 [s [i32 i64 s?]]
        28 request 2-2: s s i64 i16 [s [i32 i64 i32 s?]]
        28 request 3-4: ~ s s i64 i16 i32 s s? [s [i32 i64 i32 s?]]
        28 response 0-2: i32 [s [i32 i16]]
        28 response 3-4: ~ i32 [s [i32 i16]]
        65 request 0-0: ~ [s]
        65 response 0-0: ~ i32 [i16 s s i32 i64 i64 i16 [s [i32]]]
        66 request 0-0: ~ [s] [i64]
        66 request 1-1: ~ [s] [i64] i64
        66 response 0-1: ~ i32 i16 [s] [s i64 s]
        33 request 0-1: [i8 s [s s?]] bool
        33 request 2-2: ~ [i8 s [s s?]] bool
        33 response 0-1: i32 [i16 s? i8 s]
        33 response 2-2: ~ i32 [i16 s? i8 s]
        44 request 0-0: [i8 s [s i8 s?]] bool
        44 request 1-1: ~ [i8 s [s i8 s?]] bool
        44 response 0-0: i32 [i16 s? i8 s]
        44 response 1-1: ~ i32 [i16 s? i8 s]
        35 request 1-1: [s [i32]]?
        35 request 2-4: ~ [s [i32]]?
        35 response 1-1: i32 [i16 s [s [i32 i64 i64 bool]]]
        35 response 2-2: ~ i32 [i16 s [s [i32 i64 i64 bool]]]
        35 response 3-3: ~ i32 i16 [i16 s [s [i32 i64 i64 bool]]]
        35 response 4-4: ~ i32 i16 [i16 s [s [i32 i64 i64 bool]] i64 i64]
        61 request 0-0: ~ [s [i32]]
        61 response 0-0: ~ i32 [s [i32 i16 s? [i64 i32 i32 i64 i32 i64]]]
        75 request 0-0: ~ [s] i32 i8
        75 response 0-0: ~ i32 [i16 s? uuid bool [i16 i32 i32 i32 [i32] [i32] [i32] [i32] [i32]] i32] i8
        43 request 0-0: [s [i32]]? i32
        43 request 1-1: i8 [s [i32]]? i32
        43 request 2-2: ~ i8 [s [i32]]? i32
        43 response 0-0: i32 [s [i32 i16 s?]]
        43 response 1-1: i32 i16 [s [i32 i16 s?]]
        43 response 2-2: ~ i32 i16 [s [i32 i16 s?]]
        46 request 0-0: ~ i32 [s [i32]]?
        46 response 0-0: ~ i32 i16 s? [s [i32 [i32] [i32] [i32]]]
        29 request 1-1: i8 s? i8 s? s? i8 i8
        29 request 2-3: ~ i8 s? i8 s? s? i8 i8
        29 response 1-1: i32 i16 s? [i8 s i8 [s s i8 i8]]
        29 response 2-3: ~ i32 i16 s? [i8 s i8 [s s i8 i8]]
        30 request 1-1: [i8 s i8 s s i8 i8]
        30 request 2-3: ~ [i8 s i8 s s i8 i8]
        30 response 1-1: i32 [i16 s?]
        30 response 2-3: ~ i32 [i16 s?]
        31 request 1-1: [i8 s? i8 s? s? i8 i8]
        31 request 2-3: ~ [i8 s? i8 s? s? i8 i8]
        31 response 1-1: i32 [i16 s? [i16 s? i8 s i8 s s i8 i8]]
        31 response 2-3: ~ i32 [i16 s? [i16 s? i8 s i8 s s i8 i8]]
        48 request 0-0: [s i8 s?] bool
        48 request 1-1: ~ [s i8 s?] bool
        48 response 0-0: i32 i16 s? [[s s?] [s i64]]?
        48 response 1-1: ~ i32 i16 s? [[s s?] [s i64]]?
        """
}
