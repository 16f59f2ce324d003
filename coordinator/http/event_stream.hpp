#pragma once
/// @file
/// A connection that has become a stream of events. It writes one thing at a time; while it writes, events wait in the
/// hub's ring, not here.

#include <memory>
#include <string>

#include "channel.hpp"
#include "event_feed.hpp"
#include "server_state.hpp"

namespace skink::coordinator::http {

/// What a stream takes over from its connection.
struct StreamStart {
  Ticket connection_place;
  Ticket stream_place;
  EventFeed feed;
  EventHub& hub;
};

/// Starts a stream, which keeps itself alive while it is connected.
void begin_sse_stream(ServerState& state, StreamStart start, std::unique_ptr<Channel> channel);
void begin_websocket_stream(ServerState& state, StreamStart start, std::unique_ptr<WebSocket> socket,
                            const std::string& key);

}  // namespace skink::coordinator::http
