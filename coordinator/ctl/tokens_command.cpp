#include "tokens_command.hpp"

#include "failure.hpp"
#include "skink/host/files/files.hpp"

namespace skink::ctl {

TokensCommand::TokensCommand(Command app)
    : tokens_(app.command("tokens", "Tokens for programs that ask the service over TCP")),
      audit_(app.command("audit", "Who changed what")) {
  audit_.option("--last", last_, "The last so many entries; default: all").range(1U, 0x7fffffffU);
  list_ = tokens_.command("list", "All tokens, without their secrets, as 'tokens' alone does");
  add_ = tokens_.command("add", "Makes a token; its secret is shown once");
  add_.option("name", name_, "Whose it is: the name stands in the audit log").required();
  add_.choice<std::string, std::string>("--scope", scope_,
                                        {{"read", "read"}, {"operate", "operate"}, {"admin", "admin"}},
                                        "What it may do: read, operate (runs, devices) or admin (tokens, audit)")
      .required();
  add_.option("--out", out_, "Writes the secret to this file, mode 0600, instead of printing it");
  remove_ = tokens_.command("remove", "A token is good for nothing from now on");
  remove_.option("token", id_, "Its id").required();
  for (Command command : {tokens_, list_, add_, remove_, audit_}) options_.add_to(command);
}

int TokensCommand::run() {
  const auto link = ServiceLink::open(options_);
  if (!link) return fail(link.error());
  if (add_.parsed()) return add(*link);
  if (remove_.parsed()) return remove(*link);
  if (audit_.parsed()) {
    return show_list(*link, "/api/v1/audit",
                     {{"at", "at"}, {"who", "who"}, {"action", "action"}, {"subject", "subject"}, {"detail", "detail"}},
                     last_);
  }
  return show_list(*link, "/api/v1/tokens",
                   {{"id", "id"}, {"name", "name"}, {"scope", "scope"}, {"created", "created"}});
}

/// A secret that cannot be written would be lost: the file is tried before the token is made.
int TokensCommand::add(const ServiceLink& link) const {
  const auto writable = out_.empty() ? Result<void>() : check_replaceable(out_, {});  // it may hold another secret
  if (!writable) return fail(writable.error());
  auto token = link.change("POST", "/api/v1/tokens", {{"name", name_}, {"scope", scope_}});
  if (!token) return fail(token.error());
  if (out_.empty()) return show_object(link, token);
  const auto written = write_file(out_, text_of(*token, "secret") + "\n", Readers::kOwner);
  if (!written) return take_back(link, text_of(*token, "id"), written.error());
  token->erase("secret");
  if (link.json()) return show_object(link, token);
  std::printf("token %s: its secret is in %s\n", text_of(*token, "id").c_str(), printable(out_).c_str());
  return kOk;
}

/// Nobody has its secret: it must not be good for anything.
int TokensCommand::take_back(const ServiceLink& link, const std::string& id, const Error& why) const {
  const auto removed = link.change("DELETE", "/api/v1/tokens/" + id, {});
  const std::string end = removed ? "the token is removed again"
                                  : "the secret is lost, and the token is still there: remove it with `skinkctl tokens "
                                    "remove " +
                                        id + "` (" + removed.error().message + ")";
  return fail(ExitCode::kStore, why.message + "; " + end);
}

int TokensCommand::remove(const ServiceLink& link) const {
  const auto done = link.change("DELETE", "/api/v1/tokens/" + std::to_string(id_), {});
  if (!done || link.json()) return show_object(link, done);
  std::printf("token %u is removed\n", id_);
  return kOk;
}

}  // namespace skink::ctl
