// millrace: the operator's command. Its parts are in Supervisor and Import; here they are wired.

import ArgumentParser
import Base

@main
struct Millrace: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace",
        abstract: "Runs Millrace on one machine, imports files, manages projects, shows stores.",
        discussion: """
            Exit status: 0 done; 1 a command could not do what was asked; 64 the command line is \
            wrong; 65 data on the disk are damaged; 69 something needed is missing or taken; 71 \
            and 74 the operating system or the disk refused something.
            """,
        version: Build.version,
        subcommands: [
            UpCommand.self, ImportCommand.self, DemoCommand.self, AdminCommand.self,
            StoreCommand.self,
        ])
}
