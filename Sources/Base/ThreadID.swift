// Who is running: used to prove that code stays on the thread that owns its data.

internal import CBase

/// The kernel's id of the calling thread, right also after a suspension point.
package func currentThreadID() -> Int32 { millrace_thread_id() }

/// Names the calling thread, for debuggers and `top -H`; 15 bytes are kept.
package func nameCurrentThread(_ name: String) {
    unsafe name.withCString { unsafe millrace_thread_name($0) }
}

/// Asks the kernel to kill this process when the one that started it dies; exits at once if that
/// has happened already.
package func exitWithParent() { millrace_exit_with_parent() }
