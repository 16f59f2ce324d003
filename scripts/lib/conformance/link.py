"""A connection to the broker: what comes is kept in the order of its arrival until somebody takes it."""

import ssl
import threading
import time

import paho.mqtt.client as mqtt


class Unreachable(Exception):
    """No connection to the broker."""


class Message:
    def __init__(self, topic, payload, retained):
        self.topic, self.payload, self.retained, self.at = topic, payload, retained, time.monotonic()


class Link:
    """`topics` are subscribed to after each connection."""

    def __init__(self, host, port, tls, client_id, topics=(), will=None):
        """tls: (CA, certificate, key), files."""
        self.place, self.topics = (host, port), list(topics)
        self.inbox, self.changed, self.connections = [], threading.Condition(), 0
        self.is_connected, self.last = False, None
        self.filter = None                                              # takes a message, which is then not kept
        self.client = mqtt.Client(client_id, clean_session=True, protocol=mqtt.MQTTv311)
        self.client.tls_set(tls[0], tls[1], tls[2], tls_version=ssl.PROTOCOL_TLS_CLIENT)
        self.client.reconnect_delay_set(1, 1)
        self.client.max_queued_messages_set(0)
        if will:
            self.client.will_set(will, b"", qos=1, retain=True)
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = self._on_disconnect
        self.client.on_message = self._on_message
        self.client.on_subscribe = self._on_subscribe

    def open(self, seconds=10):
        end = time.monotonic() + seconds
        while True:
            try:
                self.client.connect(*self.place, keepalive=30)
                break
            except (OSError, ValueError) as error:
                if time.monotonic() > end:
                    raise Unreachable(f"{self.place[0]}:{self.place[1]}: {error}") from error
                time.sleep(0.1)
        self.client.loop_start()
        if not self.wait(lambda: self.is_connected, end - time.monotonic() + 1):
            raise Unreachable(f"{self.place[0]}:{self.place[1]}: the broker does not accept the connection")
        return self

    def close(self, politely=True):
        """Impolitely: as a device whose power is cut; the broker publishes its last will."""
        if politely:
            self.client.disconnect()
        self.client.loop_stop()
        transport = self.client.socket()
        if transport:
            transport.close()

    def _on_connect(self, client, _, __, code):
        if code != 0:
            return
        if self.topics:
            client.subscribe([(topic, 1) for topic in self.topics])
        else:
            self._connected()

    def _on_subscribe(self, *_):
        if not self.is_connected:
            self._connected()

    def _connected(self):
        with self.changed:
            self.is_connected = True
            self.connections += 1
            self.changed.notify_all()

    def _on_disconnect(self, *_):
        with self.changed:
            self.is_connected = False
            self.changed.notify_all()

    def _on_message(self, _, __, message):
        came = Message(message.topic, message.payload, bool(message.retain))
        is_taken = self.filter is not None and self.filter(came)
        with self.changed:
            if not is_taken:
                self.inbox.append(came)
            self.changed.notify_all()

    def wait(self, condition, seconds):
        """Whether it became true. In steps, so that Ctrl-C is heard."""
        end = time.monotonic() + seconds
        with self.changed:
            while not condition():
                left = end - time.monotonic()
                if left <= 0:
                    return False
                self.changed.wait(min(left, 0.25))
        return True

    def take(self, match, seconds):
        """The first message that matches, which is then gone from the inbox; None if there is none in time."""
        found = []

        def look():
            for i, message in enumerate(self.inbox):
                if match(message):
                    found.append(self.inbox.pop(i))
                    return True
            return False

        return found[0] if self.wait(look, seconds) else None

    def drop(self, match):
        """Removes those that match, and gives them."""
        with self.changed:
            dropped = [message for message in self.inbox if match(message)]
            self.inbox = [message for message in self.inbox if not match(message)]
        return dropped

    def publish(self, topic, payload, retain=False):
        """Messages of one link arrive in order."""
        self.last = self.client.publish(topic, payload, qos=1, retain=retain)
        return self.last

    def flush(self, seconds):
        """Waits until the broker has acknowledged what was published, at most so long."""
        end = time.monotonic() + seconds
        while self.last and not self.last.is_published() and time.monotonic() < end:
            time.sleep(0.01)

    def resubscribe(self, topic):
        """What the broker keeps under it comes again."""
        self.client.unsubscribe(topic)
        self.client.subscribe(topic, 1)
