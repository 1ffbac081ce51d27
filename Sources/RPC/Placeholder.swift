// RPC: to come.
