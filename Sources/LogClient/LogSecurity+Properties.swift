// TLS and login in librdkafka's words: the one place that knows them.

internal import Model

extension LogSecurity {
    /// librdkafka's properties. One of them is the password: for `rd_kafka_conf_set` only.
    var properties: [String: String] {
        var all = ["security.protocol": description]
        if let tls {
            all["ssl.ca.location"] = tls.authorityFile
            all["ssl.certificate.location"] = tls.certificateFile
            all["ssl.key.location"] = tls.keyFile
            // A certificate of somebody else's host is none; newer versions have this default.
            all["ssl.endpoint.identification.algorithm"] = "https"
        }
        if let login {
            all["sasl.mechanism"] = login.mechanism
            all["sasl.username"] = login.username
            all["sasl.password"] = login.password
        }
        return all
    }
}
