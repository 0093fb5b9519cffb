# tm-run for GNU make: records how long the wrapped recipes take, if the user has said `tm-run on`.
# Where tm-run is not installed every recipe runs as if this file were not there.
#
#   include telemetry.mk
#
#   deploy:
#   	$(tm) ansible-playbook site.yml                        one plain command, recorded as "deploy"
#   	$(call tm_as,site) ansible-playbook site.yml           the same, recorded as "site"
#   	$(call tele_wrap,deploy,cd web && ./build | tee log)   any shell text, not echoed
#
# A run of make with G=NAME records NAME as the domain.  `make TM_RUN= deploy` runs without tm-run,
# `make TM_RUN=/path/to/tm-run deploy` with that one.
#
# Where a Makefile has a tele_wrap of its own, the definition read last holds: include this file at the end.

# Asked once, while make reads its files: an `if` in the recipe would put a shell between make and the
# command, and that shell, not the command, would get the signals make sends.
ifeq ($(origin TM_RUN),undefined)
TM_RUN := $(shell command -v tm-run 2>/dev/null)
TM_RUN := $(if $(TM_RUN),'$(subst ','\'',$(TM_RUN))')
endif

# Text as one word of the shell, whatever it holds.
tm_quote = '$(subst ','\'',$(1))'

# A name on one line; white space would be the only control characters a Makefile meets by accident.
tm_name = $(call tm_quote,$(strip $(1)))

# --domain=NAME and not two words, for names that begin with a hyphen.
tm_domain = $(if $(strip $(value G)), --domain=$(call tm_name,$(G)))
tm_prefix = $(if $(TM_RUN),$(TM_RUN) --target=$(call tm_name,$(1))$(tm_domain) --)

tm = $(call tm_prefix,$(@))
tm_as = $(call tm_prefix,$(1))

tm_comma := ,
define tm_newline


endef
define tm_goes_on
\

endef

# To make, a comma in the text ends an argument: here the text is put together again.
tm_text = $(2)$(tm_3)
tm_3 = $(if $(value 3)$(tm_4),$(tm_comma)$(value 3)$(tm_4))
tm_4 = $(if $(value 4)$(tm_5),$(tm_comma)$(value 4)$(tm_5))
tm_5 = $(if $(value 5)$(tm_6),$(tm_comma)$(value 5)$(tm_6))
tm_6 = $(if $(value 6)$(tm_7),$(tm_comma)$(value 6)$(tm_7))
tm_7 = $(if $(value 7)$(tm_8),$(tm_comma)$(value 7)$(tm_8))
tm_8 = $(if $(value 8)$(tm_9),$(tm_comma)$(value 8)$(tm_9))
tm_9 = $(if $(value 9)$(value 10),$(tm_comma)$(value 9)$(if $(value 10),$(error tele_wrap: more than seven commas; put the command into a variable)))

# make runs each line of an expanded recipe on its own, so each is wrapped on its own: TEXT, and what stands
# between two lines. A line that ends in a backslash goes on.
tm_join = $(subst <tm-run: goes on>,$(tm_goes_on),$(subst $(tm_newline),$(2),$(subst $(tm_goes_on),<tm-run: goes on>,$(1))))
# Where make itself would start the command without a shell, there is none between tm-run and the command
# either: these are the characters and the words that make leaves to the default shell.
tm_special := \# ; " ' * ? [ ] & | < > ( ) { } $$ ` ^ ~ ! \ =
tm_builtin := . : alias bg break case cd command continue eval exec exit export fc fg for getopts hash if jobs \
	login logout read readonly return set shift test times trap type ulimit umask unalias unset wait while
tm_custom = $(filter-out /bin/sh,$(SHELL))$(filter-out -c,$(value .SHELLFLAGS))
tm_complex = $(strip $(foreach c,$(tm_special),$(findstring $(c),$(1))) $(if $(findstring $(tm_newline),$(1)),yes) $(filter $(tm_builtin),$(firstword $(1))))
tm_shell = $(SHELL) $(or $(value .SHELLFLAGS),-c)
tm_wrapped = $(call tm_join,@$(tm_as) $(tm_shell) $(call tm_quote,$(tm_text)),'$(tm_newline)@$(tm_as) $(tm_shell) ')
tm_simple = $(if $(strip $(tm_text)),$(if $(tm_custom)$(call tm_complex,$(tm_text)),,@$(tm_as) $(tm_text)))
tele_wrap = $(if $(TM_RUN),$(or $(tm_simple),$(tm_wrapped)),@$(call tm_join,$(tm_text),$(tm_newline)@))

# Pattern rules, so that a Makefile's own telemetry-on wins wherever it stands, and so that none of these
# becomes the default goal of a Makefile that begins with this file.
.PHONY: .tm-run-always
%elemetry-on: .tm-run-always ; @$(tm_ask) on
%elemetry-off: .tm-run-always ; @$(tm_ask) off
%elemetry-status: .tm-run-always ; @$(tm_ask) status
%elemetry-clear: .tm-run-always ; @$(tm_ask) clear
%elemetry-report: .tm-run-always ; @$(tm_ask) report
tm_ask = $(if $(TM_RUN),$(TM_RUN),echo 'tm-run is not installed, or TM_RUN is empty' >&2; false)
