# Runs before every user's script. Written by mailctl.
# Rspamd adds X-Spam; Postfix removes it from what strangers send.
require ["fileinto", "mailbox"];
if header :is "X-Spam" "Yes" {
  fileinto :create "Junk";
  # no vacation reply and no redirect for spam
  stop;
}
