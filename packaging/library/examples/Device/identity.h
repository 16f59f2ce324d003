// Who the device is. Replace all of it; nothing here lets a device into a fleet.
#pragma once

static const char kNetwork[] = "network";
static const char kPassword[] = "password";

// PEM: ca.crt of the fleet, certificate and key of the device
static const char kAuthority[] = "";
static const char kCertificate[] = "";
static const char kPrivateKey[] = "";

// the identity image of `skinkctl provision`: xxd -i FILE
static const uint8_t kIdentity[] = {0xff};
