#pragma once
/// @file
/// The coordinator's configuration file. Keys and defaults: docs/coordinator-config.md. Secrets stay in files that it
/// names.

#include <cstdint>
#include <string>
#include <vector>

#include "skink/host/config/network_address.hpp"
#include "skink/host/experiment/experiment.hpp"

namespace skink::coordinator {

/// The configuration file, read: docs/coordinator-config.md.
struct Settings {
  std::string state;       ///< folder of the service: fleet.db and the runs; empty: for one run only
  std::string experiment;  ///< path; empty: for the service only
  std::string init;        ///< path of the model that a new run begins with; empty: the experiment says
  std::string store;       ///< path; empty: for the service only
  std::string out;         ///< folder for summary.json, metrics.csv, model.skm; empty: none
  std::uint32_t checkpoint_rounds = 0;
  double clip_factor = 3;     ///< of experiments that do not say how changes are clipped; 0: they are not
  std::uint64_t run = 0;      ///< 0: the time at which the run is created, in milliseconds
  std::uint32_t threads = 0;  ///< that check, decode and add up updates; 0: as many as there are cores
  std::string host;
  std::uint16_t port = 8883;
  std::string ca;
  std::string certificate;
  std::string key;
  std::string broker_certificate;  ///< path of the broker's own, whose end the metrics tell; empty: not known here
  std::string fleet;
  std::uint32_t model_chunk_bytes = 4096;   ///< of each chunk of a model but the last, 256..4096
  std::string master_key;                   ///< path of a file with 64 hexadecimal digits
  std::string release_pki;                  ///< folder with release.key; empty: nothing is released
  std::string certificates_pki;             ///< folder with ca.key; empty: no device's certificate is renewed
  std::uint32_t certificate_days = 3650;    ///< that a renewed one is valid
  std::uint32_t renew_days = 0;             ///< those that end within so many days are renewed; 0: when it is asked for
  std::string http_socket;                  ///< path of the API's unix socket; empty: none
  std::vector<NetworkAddress> http_listen;  ///< and where else it listens
  std::string http_certificate, http_key;   ///< PEM files: TLS, which is needed where it listens beyond loopback
  std::string revoked;                      ///< path of the list of revoked ids; empty: none
};

/// Relative paths in the file are taken from the file's folder. Errors name file, line, key and what is allowed.
Result<Settings> read_settings(const std::string& path);

/// What differs between a file that is read again and what runs, by key as in "[broker] port", in the order of the
/// file.
struct SettingsChange {
  std::vector<std::string> taken;    ///< holds from now on
  std::vector<std::string> restart;  ///< holds after a restart
};
/// Takes over into `running` what may change while a service runs: checkpoint_rounds and clip_factor.
SettingsChange change_settings(Settings& running, const Settings& read);

}  // namespace skink::coordinator
