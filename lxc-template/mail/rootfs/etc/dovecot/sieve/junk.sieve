# Runs before every user's script. Written by mailctl.
# Rspamd adds X-Spam; Postfix removes any X-Spam that comes from outside.
require ["fileinto", "mailbox"];
if header :is "X-Spam" "Yes" {
  fileinto :create "Junk";
  # no vacation reply and no redirect for spam
  stop;
}
